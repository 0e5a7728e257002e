"""What Splunk makes of an event, and what it calls and stores its fields as."""

from converter.products.core import Product

PRODUCT = Product(
    name="splunk",
    title="Splunk",
    package=__name__,
    target="splunk",
    backends=frozenset({"splunk", "splunk_spl2"}),
    time_field="_time",
    time_digits=6,
    nulls_are_text=True,
    marks_arrays=True,
)
