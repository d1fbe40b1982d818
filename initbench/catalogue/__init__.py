"""What there is to use, in words and functions: parts explained, drawn, checked, and placed on a phase diagram."""
