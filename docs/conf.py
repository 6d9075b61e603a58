from ashworth.version import __version__

project = "ashworth"
author = "The Ashworth developers"
copyright = "2026, The Ashworth developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "jupyter_execute"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
html_theme = "furo"
html_title = "ashworth"
autodoc_typehints = "none"
napoleon_use_ivar = True
