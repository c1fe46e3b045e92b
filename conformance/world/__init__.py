"""The nouns of the suite: frozen values, no input or output, nothing but the standard library."""
