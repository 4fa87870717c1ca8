"""The product's detectors, one file each; `detector.models.base.SHIPPED` names them."""
