"""What the operating system gives: files, processes, shipped assets, extras, progress."""
