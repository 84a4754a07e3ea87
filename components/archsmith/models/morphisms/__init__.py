"""Morphisms: networks that begin with what others have learnt, and compute the same where that can be done.

Reference:
    Chen, Goodfellow, Shlens 2016, Net2Net (arXiv:1511.05641); Wei, Wang, Rui, Chen 2016, Network Morphism (arXiv:1603.01670);
    Elsken, Metzen, Hutter 2017 (arXiv:1711.04528) and 2019 (arXiv:1804.09081); Cai et al. 2018 (arXiv:1707.04873 and 1806.02639).
"""

from archsmith.models.morphisms.inherit import Inherited, inherit

__all__ = ["Inherited", "inherit"]
