"""degan: facial expressions, free of identity (DE-GAN, Ali & Hughes, arXiv 1912.01456).

    import degan

    table = degan.read("photos/")  # pandas, a row a face

    recognizer = degan.Recognizer()
    for face in recognizer.predict(degan.read_image("party.jpg")):
        print(face.expression, face.probabilities)

Importing degan is cheap: public names are loaded when they are first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
