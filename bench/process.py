def measure_rows(options, wanted): return []
