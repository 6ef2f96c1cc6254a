"""One thread for computations whose results depend on the number of threads."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute matrix products and fits of scikit-learn on one thread; a block or a decorator.

    Several threads add in another order, which changes the last digits of a result, and with them
    the figures of other machines. PyTorch has its own number of threads.
    """
    with threadpool_limits(limits=1):
        yield
