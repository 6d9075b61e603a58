"""What a marker or a model adds to prognosis: discrimination, accuracy, calibration, use."""
