"""What Elastic makes of an event, and what it calls and stores its fields as."""

from converter.products.core import Product

PRODUCT = Product(
    name="elastic",
    title="Elastic",
    package=__name__,
    target="esql",
    backends=frozenset({"elasticsearch", "lucene", "eql", "esql", "kql", "elastalert", "opensearch"}),
    time_digits=3,
    longest=1_024,  # `ignore_above` of keyword fields, in ecs@mappings and in the integrations
)
