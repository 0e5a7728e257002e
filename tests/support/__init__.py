"""What tests share: paths, hostile strings, the referee."""
