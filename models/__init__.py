"""From features to PD, grade and reasons: training, validation, registry and tracking."""
