import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What OptionPrices.java asks for, without formulas: a node for each operation, in JSON that is written and read by hand.
 * java ByHand.java, from this folder, prints the row of Hull's call 42/40.
 */
public class ByHand {
  static final String SERVER = System.getenv().getOrDefault("AUTOGRAD_URL", "http://127.0.0.1:8080");
  static final HttpClient HTTP = HttpClient.newHttpClient();

  // --- the graph and its derivatives: begin ---
  static final String GRAPH = """
      {"nodes": [
        {"op": "sqrt", "inputs": ["years"], "outputs": ["root"]},
        {"op": "mul", "inputs": ["volatility", "root"], "outputs": ["deviation"]},
        {"op": "div", "inputs": ["spot", "strike"], "outputs": ["moneyness"]},
        {"op": "log", "inputs": ["moneyness"], "outputs": ["logarithm"]},
        {"op": "square", "inputs": ["volatility"], "outputs": ["variance"]},
        {"op": "div", "inputs": ["variance", 2], "outputs": ["half"]},
        {"op": "sub", "inputs": ["rate", "dividend"], "outputs": ["carry"]},
        {"op": "add", "inputs": ["carry", "half"], "outputs": ["drift"]},
        {"op": "mul", "inputs": ["drift", "years"], "outputs": ["expected"]},
        {"op": "add", "inputs": ["logarithm", "expected"], "outputs": ["distance"]},
        {"op": "div", "inputs": ["distance", "deviation"], "outputs": ["d1"]},
        {"op": "sub", "inputs": ["d1", "deviation"], "outputs": ["d2"]},
        {"op": "mul", "inputs": [-0.7071067811865476, "sign"], "outputs": ["scale"]},
        {"op": "mul", "inputs": ["scale", "d1"], "outputs": ["scaled1"]},
        {"op": "erfc", "inputs": ["scaled1"], "outputs": ["twice1"]},
        {"op": "mul", "inputs": [0.5, "twice1"], "outputs": ["n1"]},
        {"op": "mul", "inputs": ["scale", "d2"], "outputs": ["scaled2"]},
        {"op": "erfc", "inputs": ["scaled2"], "outputs": ["twice2"]},
        {"op": "mul", "inputs": [0.5, "twice2"], "outputs": ["n2"]},
        {"op": "mul", "inputs": ["rate", "years"], "outputs": ["growth"]},
        {"op": "neg", "inputs": ["growth"], "outputs": ["loss"]},
        {"op": "exp", "inputs": ["loss"], "outputs": ["discount"]},
        {"op": "mul", "inputs": ["strike", "discount"], "outputs": ["strike_now"]},
        {"op": "mul", "inputs": ["strike_now", "n2"], "outputs": ["paid"]},
        {"op": "mul", "inputs": ["dividend", "years"], "outputs": ["yield"]},
        {"op": "neg", "inputs": ["yield"], "outputs": ["minus_yield"]},
        {"op": "exp", "inputs": ["minus_yield"], "outputs": ["yield_factor"]},
        {"op": "mul", "inputs": ["spot", "yield_factor"], "outputs": ["spot_now"]},
        {"op": "mul", "inputs": ["spot_now", "n1"], "outputs": ["received"]},
        {"op": "sub", "inputs": ["received", "paid"], "outputs": ["gain"]},
        {"op": "mul", "inputs": ["sign", "gain"], "outputs": ["price"]},
        {"op": "grad", "inputs": ["price", "spot", "volatility", "years", "rate"],
         "outputs": ["delta", "vega", "aging", "rho"]},
        {"op": "grad", "inputs": ["delta", "spot", "volatility"], "outputs": ["gamma", "vanna"]},
        {"op": "grad", "inputs": ["vega", "volatility"], "outputs": ["volga"]},
        {"op": "neg", "inputs": ["aging"], "outputs": ["theta"]}
      ]}""";
  static final List<String> INPUTS = List.of("sign", "spot", "strike", "years", "rate", "dividend", "volatility");
  static final List<String> OUTPUTS = List.of("price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga");

  static String quoted(List<String> names) {
    return names.stream().map(name -> '"' + name + '"').collect(Collectors.joining(", ", "[", "]"));
  }

  /** A row of price and Greeks for each contract. */
  static double[][] greeks(double[][] contracts) throws IOException, InterruptedException {
    List<String> inputs = new ArrayList<>();
    for (int i = 0; i < INPUTS.size(); i++) {
      int column = i;
      double[] values = Arrays.stream(contracts).mapToDouble(contract -> contract[column]).toArray();
      inputs.add('"' + INPUTS.get(i) + "\": " + Arrays.toString(values));
    }
    String body = "{\"graph\": " + GRAPH + ", \"inputs\": {" + String.join(", ", inputs) + "}, \"batch\": "
        + quoted(INPUTS) + ", \"outputs\": " + quoted(OUTPUTS) + ", \"gradients\": false, \"encoding\": \"values\"}";
    HttpRequest request = HttpRequest.newBuilder(URI.create(SERVER + "/v1/evaluate"))
        .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
    HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) throw new IOException(response.body());
    double[][] rows = new double[contracts.length][OUTPUTS.size()];
    for (int i = 0; i < OUTPUTS.size(); i++) {
      Matcher found = Pattern.compile('"' + OUTPUTS.get(i) + "\": \\[([^]]*)]").matcher(response.body());
      if (!found.find()) throw new IOException("no " + OUTPUTS.get(i) + " in " + response.body());
      String[] values = found.group(1).split(",");
      for (int row = 0; row < rows.length; row++) rows[row][i] = Double.parseDouble(values[row]);
    }
    return rows;
  }
  // --- end ---

  public static void main(String[] arguments) throws Exception {
    double[][] rows = greeks(new double[][] {{1, 42, 40, 0.5, 0.10, 0, 0.20}});
    System.out.println(Arrays.stream(rows[0]).mapToObj(value -> String.format("%.4f", value))
        .collect(Collectors.joining(" ")));
  }
}
