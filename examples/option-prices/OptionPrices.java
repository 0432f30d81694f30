import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Prices of European options and their Greeks, all from one formula for the price and in one request.
 * java OptionPrices.java, from this folder; AUTOGRAD_URL is the server's address. Ends with 1 if a number is wrong.
 */
public class OptionPrices {
  static final String SERVER = System.getenv().getOrDefault("AUTOGRAD_URL", "http://127.0.0.1:8080");
  static final HttpClient HTTP = HttpClient.newHttpClient();

  // --- the graph and its derivatives: begin ---
  static final String FORMULA = """
      deviation = volatility * sqrt(years)
      d1 = (log(spot / strike) + (rate - dividend + volatility ** 2 / 2) * years) / deviation
      d2 = d1 - deviation
      def normal(d, sign) { 0.5 * erfc(-0.7071067811865476 * sign * d) }
      paid = strike * exp(-rate * years) * normal(d2, sign)
      price = sign * (spot * exp(-dividend * years) * normal(d1, sign) - paid)
      delta, vega, aging, rho = grad(price, spot, volatility, years, rate)
      gamma, vanna = grad(delta, spot, volatility)
      volga = grad(vega, volatility)
      greeks = stack(price, delta, gamma, vega, -aging, rho, vanna, volga)
      return greeks""";
  static final List<String> INPUTS = List.of("sign", "spot", "strike", "years", "rate", "dividend", "volatility");

  /** A row of price and Greeks for each contract. */
  static double[][] greeks(double[][] contracts) throws IOException, InterruptedException {
    StringJoiner query = new StringJoiner("&", SERVER + "/v1/evaluate?", "");
    for (int i = 0; i < INPUTS.size(); i++) {
      int column = i;
      double[] values = Arrays.stream(contracts).mapToDouble(contract -> contract[column]).toArray();
      query.add(INPUTS.get(i) + "=" + Arrays.toString(values).replace(" ", ""));
    }
    query.add("batch=" + String.join(",", INPUTS)).add("gradients=false").add("select=/outputs/greeks");
    query.add("graph=" + URLEncoder.encode(FORMULA, StandardCharsets.UTF_8));
    URI address = URI.create(query.toString().replace("[", "%5B").replace("]", "%5D"));
    HttpRequest request = HttpRequest.newBuilder(address).build();
    HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) throw new IOException(response.body());
    return response.body().lines()
        .map(row -> Arrays.stream(row.split(",")).mapToDouble(Double::parseDouble).toArray())
        .toArray(double[][]::new);
  }
  // --- end ---

  static final List<String> NAMES = List.of("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga");

  /** A contract, and what its source prints about it; the number of digits says how exact that is. */
  record Contract(String source, double[] inputs, Map<String, String> published) {}

  /**
   * Hull: J. C. Hull, Options, Futures, and Other Derivatives. Haug: E. G. Haug, The Complete Guide to Option Pricing
   * Formulas. Inputs are in the order of INPUTS; sign is 1 for a call, -1 for a put.
   */
  static final List<Contract> CONTRACTS = List.of(
      contract("Hull, call 42/40", "price 4.76", 1, 42, 40, 0.5, 0.10, 0, 0.20),
      contract("Hull, put 42/40", "price 0.81", -1, 42, 40, 0.5, 0.10, 0, 0.20),
      contract("Hull, call 49/50", "delta 0.522 gamma 0.066 vega 12.1 theta -4.31 rho 8.91",
          1, 49, 50, 0.3846, 0.05, 0, 0.20),
      contract("Haug, put 100/95", "price 2.4648", -1, 100, 95, 0.5, 0.10, 0.05, 0.20),
      contract("Haug, call 105/100", "delta 0.5946", 1, 105, 100, 0.5, 0.10, 0.10, 0.36),
      contract("Haug, call 55/60", "gamma 0.0278 vega 18.9358", 1, 55, 60, 0.75, 0.10, 0, 0.30),
      contract("Haug, put 430/405", "theta -31.1924", -1, 430, 405, 0.0833, 0.07, 0.05, 0.20),
      contract("Haug, call 72/75", "rho 38.7325", 1, 72, 75, 1, 0.09, 0, 0.19),
      contract("Haug, put 90/80", "vanna -1.0008", -1, 90, 80, 0.25, 0.05, 0, 0.20),
      contract("Haug, put 90/130", "volga 92.3444", -1, 90, 130, 0.75, 0.05, 0.05, 0.28));

  static Contract contract(String source, String published, double... inputs) {
    Map<String, String> values = new TreeMap<>();
    String[] words = published.split(" ");
    for (int i = 0; i < words.length; i += 2) values.put(words[i], words[i + 1]);
    return new Contract(source, inputs, values);
  }

  public static void main(String[] arguments) throws Exception {
    double[][] rows = greeks(CONTRACTS.stream().map(Contract::inputs).toArray(double[][]::new));
    printRow("", NAMES.stream());
    int compared = 0;
    int wrong = 0;
    for (int i = 0; i < rows.length; i++) {
      Contract contract = CONTRACTS.get(i);
      printRow(contract.source(), Arrays.stream(rows[i]).mapToObj(value -> String.format("%.4f", value)));
      for (Map.Entry<String, String> each : contract.published().entrySet()) {
        double ours = rows[i][NAMES.indexOf(each.getKey())];
        int digits = each.getValue().length() - each.getValue().indexOf('.') - 1;
        compared++;
        // Half a unit of the last printed digit; NaN is wrong too.
        if (!(Math.abs(ours - Double.parseDouble(each.getValue())) <= 0.5 * Math.pow(10, -digits) * (1 + 1e-9))) {
          wrong++;
          System.out.printf("wrong: %s is %.6f, published %s%n", each.getKey(), ours, each.getValue());
        }
      }
    }
    System.out.printf("%n%d numbers compared, %d wrong%n", compared, wrong);
    System.exit(compared == 15 && wrong == 0 ? 0 : 1);
  }

  static void printRow(String name, Stream<String> cells) {
    System.out.println(String.format("%-18s", name) + cells.map("%10s"::formatted).collect(Collectors.joining()));
  }
}
