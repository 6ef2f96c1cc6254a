"""Protocols that train on folds or on whole data sets, and test on people never trained on."""
