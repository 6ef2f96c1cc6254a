"""A page on finished work: ``degan report`` reads run directories and writes one HTML file."""
