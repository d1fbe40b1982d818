"""Results as tables, and the files and the report that are written from them."""
