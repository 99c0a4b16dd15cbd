"""An array for worker processes, in a module that those can import by its name."""

import os
import signal
import time


class Slow:
    """An array as a dask array's source, which takes its time, and may fail or kill."""

    ndim = 3

    def __init__(self, array, fatal=None):
        self._array, self._fatal = array, fatal
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        time.sleep(0.01)
        if self._fatal == "error" and key[0].start > 60:
            raise OSError(5, "Input/output error")
        if self._fatal == "death" and key[0].start > 60:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._array[key]
