"""What a receiver's address and phone say: doubts, destination, and keyed hashes that link orders.

Pure, and silent about people: what leaves this room are codes and hashes, never a name or a number.
"""
