"""What a credit officer would recognise: money, windows, products, policy, limits, price, decision.

Functions from values and frames to values and frames. Nothing here touches a disk, a database, a model or a clock.
"""
