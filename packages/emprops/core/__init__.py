"""Facts without input or output: models, lifecycle, matching, order, errors, settings, events and keys."""
