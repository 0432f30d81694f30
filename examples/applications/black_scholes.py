"""Prices of options, and their Greeks as derivatives of the price.

A European call is the right to buy a share at `strike` in so many `years`; a put, to sell it. The formula of Black, Scholes and Merton
prices them, and what traders call the Greeks are its derivatives: delta by the spot, vega by the volatility, gamma by the spot twice,
and so on. Textbooks print a page of formulas for them. Here only the price is written down, once, for one contract:

    price = sign * (spot e^(-dividend years) N(sign d1) - strike e^(-rate years) N(sign d2)),   sign = 1 for a call, -1 for a put
    d1 = (ln(spot / strike) + (rate - dividend + volatility²/2) years) / (volatility √years),   d2 = d1 - volatility √years

with N the normal distribution. `batch` lets all contracts go through it in one request, and two requests bring all the Greeks:
/v1/evaluate the first derivatives, /v1/hessian the second ones.
"""

import math

from autograd import Server, node
from comparison import Comparison

PARAMETERS = ["sign", "spot", "strike", "years", "rate", "dividend", "volatility"]

# Each contract with what its source prints about it, as text, since the number of digits says how exact it is. The sources are
#   Hull: J. C. Hull, Options, Futures, and Other Derivatives, the chapters on the Black-Scholes-Merton model and on the Greek letters;
#   Haug: E. G. Haug, The Complete Guide to Option Pricing Formulas (1998), pages 2 to 16, where b is rate - dividend; vanna and volga,
#   called DdeltaDvol and DvegaDvol there, are from the second edition (2007), chapter 2.
CONTRACTS = [
    # source, (sign, spot, strike, years, rate, dividend, volatility), published
    ("Hull, call 42/40", (1, 42, 40, 0.5, 0.10, 0, 0.20), {"price": "4.76"}),
    ("Hull, put 42/40", (-1, 42, 40, 0.5, 0.10, 0, 0.20), {"price": "0.81"}),
    ("Hull, call 49/50", (1, 49, 50, 0.3846, 0.05, 0, 0.20),
     {"delta": "0.522", "gamma": "0.066", "vega": "12.1", "theta": "-4.31", "rho": "8.91"}),
    ("Haug, call 60/65", (1, 60, 65, 0.25, 0.08, 0, 0.30), {"price": "2.1334"}),
    ("Haug, put 100/95", (-1, 100, 95, 0.5, 0.10, 0.05, 0.20), {"price": "2.4648"}),
    ("Haug, put 75/70", (-1, 75, 70, 0.5, 0.10, 0.05, 0.35), {"price": "4.0870"}),
    ("Haug, call 105/100", (1, 105, 100, 0.5, 0.10, 0.10, 0.36), {"delta": "0.5946"}),
    ("Haug, put 105/100", (-1, 105, 100, 0.5, 0.10, 0.10, 0.36), {"delta": "-0.3566"}),
    ("Haug, call 55/60", (1, 55, 60, 0.75, 0.10, 0, 0.30), {"gamma": "0.0278", "vega": "18.9358"}),
    ("Haug, put 430/405", (-1, 430, 405, 0.0833, 0.07, 0.05, 0.20), {"theta": "-31.1924"}),
    ("Haug, call 72/75", (1, 72, 75, 1, 0.09, 0, 0.19), {"rho": "38.7325"}),
    ("Haug, put 500/490", (-1, 500, 490, 0.25, 0.08, 0.05, 0.15), {"dividend rho": "42.2254"}),
    ("Haug, put 90/80", (-1, 90, 80, 0.25, 0.05, 0, 0.20), {"vanna": "-1.0008"}),
    ("Haug, put 90/130", (-1, 90, 130, 0.75, 0.05, 0.05, 0.28), {"volga": "92.3444"}),
]


def normal_distribution(x, to):
    """Nodes for N(x) = erfc(-x/√2) / 2. A graph is plain data, so a part that occurs twice is a function that returns nodes."""
    return [
        node("mul", x, -math.sqrt(0.5), to=f"{to}_scaled"),
        node("erfc", f"{to}_scaled", to=f"{to}_twice"),
        node("mul", f"{to}_twice", 0.5, to=to),
    ]


def discounted(amount, rate, to):
    """Nodes for amount e^(-rate years)."""
    return [
        node("mul", rate, "years", to=f"{to}_growth"),
        node("neg", f"{to}_growth", to=f"{to}_loss"),
        node("exp", f"{to}_loss", to=f"{to}_factor"),
        node("mul", amount, f"{to}_factor", to=to),
    ]


PRICE = {
    "nodes": [
        node("div", "spot", "strike", to="moneyness"),
        node("log", "moneyness", to="log_moneyness"),
        node("square", "volatility", to="variance"),
        node("mul", "variance", 0.5, to="half_variance"),
        node("sub", "rate", "dividend", to="carry"),
        node("add", "carry", "half_variance", to="drift"),
        node("mul", "drift", "years", to="expected"),
        node("add", "log_moneyness", "expected", to="distance"),
        node("sqrt", "years", to="root_years"),
        node("mul", "volatility", "root_years", to="deviation"),
        node("div", "distance", "deviation", to="d1"),
        node("sub", "d1", "deviation", to="d2"),
        node("mul", "sign", "d1", to="signed_d1"),
        node("mul", "sign", "d2", to="signed_d2"),
        *normal_distribution("signed_d1", to="n1"),
        *normal_distribution("signed_d2", to="n2"),
        *discounted("spot", "dividend", to="spot_now"),
        *discounted("strike", "rate", to="strike_now"),
        node("mul", "spot_now", "n1", to="received"),
        node("mul", "strike_now", "n2", to="paid"),
        node("sub", "received", "paid", to="gain"),
        node("mul", "sign", "gain", to="price"),
    ],
    "outputs": ["price"],
}


def greeks_of(server, contracts):
    """A dictionary of Greeks for each contract: two requests, however many contracts there are."""
    columns = {name: [float(contract[i]) for contract in contracts] for i, name in enumerate(PARAMETERS)}
    request = {"graph": PRICE, "inputs": columns, "batch": PARAMETERS}

    first = server.post("evaluate", **request, wrt=["spot", "volatility", "years", "rate", "dividend"])
    second = server.post("hessian", **request, wrt=["spot", "volatility"])
    gradients, hessians = first["gradients"], second["hessians"]

    columns = {
        "price": first["outputs"]["price"],
        "delta": gradients["spot"],
        "vega": gradients["volatility"],
        "theta": [-slope for slope in gradients["years"]],  # as time passes, fewer years are left
        "rho": gradients["rate"],
        "dividend rho": gradients["dividend"],
        "gamma": hessians["spot"]["spot"],
        "vanna": hessians["spot"]["volatility"],
        "volga": hessians["volatility"]["volatility"],
    }
    return [{name: column[i] for name, column in columns.items()} for i in range(len(contracts))]


def textbook(sign, spot, strike, years, rate, dividend, volatility):
    """That page of formulas: what one writes by hand without automatic differentiation, and a check of it."""
    root = math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate - dividend + volatility**2 / 2) * years) / (volatility * root)
    d2 = d1 - volatility * root
    n1, n2 = (0.5 * (1 + math.erf(sign * d / math.sqrt(2))) for d in (d1, d2))
    density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    spot_now, strike_now = spot * math.exp(-dividend * years), strike * math.exp(-rate * years)
    vega = spot_now * density * root
    return {
        "price": sign * (spot_now * n1 - strike_now * n2),
        "delta": sign * spot_now / spot * n1,
        "vega": vega,
        "theta": -vega * volatility / (2 * years) + sign * (dividend * spot_now * n1 - rate * strike_now * n2),
        "rho": sign * years * strike_now * n2,
        "dividend rho": -sign * years * spot_now * n1,
        "gamma": vega / (spot**2 * volatility * years),
        "vanna": -vega * d2 / (spot * volatility * root),
        "volga": vega * d1 * d2 / volatility,
    }


def main():
    contracts = [contract for _, contract, _ in CONTRACTS]
    ours = greeks_of(Server(), contracts)
    comparison = Comparison()

    comparison.title("Against the books")
    for greeks, (source, _, published) in zip(ours, CONTRACTS):
        for greek, text in published.items():
            comparison.row(f"{source}: {greek}", greeks[greek], text)

    comparison.title("Against the formulas written out, the contract that is furthest off", "formula")
    formulas = [textbook(*contract) for contract in contracts]
    for greek in formulas[0]:
        a, b = max(((a[greek], b[greek]) for a, b in zip(ours, formulas)), key=lambda pair: abs(pair[0] - pair[1]))
        comparison.row(greek, a, b, tolerance=1e-10 * max(1.0, abs(b)))

    comparison.finish()


if __name__ == "__main__":
    main()
