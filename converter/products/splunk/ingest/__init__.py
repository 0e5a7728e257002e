"""Views of Splunk: flat fields."""
