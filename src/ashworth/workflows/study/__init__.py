"""One study: its settings, its analysis, the sections of its report."""
