"""Kinds of blocks, one file each."""
