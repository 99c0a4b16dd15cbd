"""Where do bytes come from and go to: files, pipes, archives or URLs, whole or in ranges?"""
