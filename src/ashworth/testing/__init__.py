"""What others need to test against ashworth: simulated inputs with exact truth.

Shipped with the package and imported by no room. Everything here is simulated.
"""

from __future__ import annotations
