"""All families of graphs: importing them is what lists them."""

from endure import graph_families, shape_families
from endure.making import ENDPOINTS, FAMILIES, chained, family, node, request

__all__ = ["ENDPOINTS", "FAMILIES", "chained", "family", "graph_families", "node", "request", "shape_families"]
