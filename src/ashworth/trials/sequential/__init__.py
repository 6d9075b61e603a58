r"""Group-sequential designs: boundaries, conditional power, inference at stopping, prediction.

Positive statistics are benefit. Information is a fraction of the planned maximum; under a drift
of :math:`\theta` the score process :math:`B(t) = Z(t)\sqrt{t}` is a Brownian motion with mean
:math:`\theta t` and variance :math:`t`.
"""
