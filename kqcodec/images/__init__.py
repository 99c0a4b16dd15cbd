"""Which pixels, colours and metadata does a picture of any kind hold?"""
