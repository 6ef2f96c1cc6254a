"""Protocols that train on folds or whole data sets and test on subjects not trained on."""
