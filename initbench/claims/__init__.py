"""Claims about initializers: how they are read, run and judged. No other room reads them."""
