"""How can people see what the codec does, in reports, benchmarks and a demo?"""
