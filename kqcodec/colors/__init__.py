"""Colours: values, histograms, the spaces they are compared in, and what replacing them costs."""
