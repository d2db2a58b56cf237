"""Formulas: a safe language, what is learned from the data, and the assembled design."""
