"""What an element or a lane is driven with: the instructions and operands of a small attention."""
def element_operands(engine, operation, kind, seed, count):
    return {}
def lane_operands(engine, operation, kind, seed, count):
    return {}
