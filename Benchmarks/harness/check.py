def run(cast, options): return 0
