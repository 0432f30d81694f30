def draw(cast): pass
