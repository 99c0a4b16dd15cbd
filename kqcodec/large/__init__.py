"""How are pictures larger than memory dealt with, and work spread over processes and machines?"""
