"""What is probably not meant in people's policies: rules as small functions in a table, each with its place in the text."""
