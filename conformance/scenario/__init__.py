"""From a scenario file to a Scenario: read it, say every fault of it with line and caret, find many of them."""
