"""Trial protocols from the command line: shown, checked, routed, sized."""
