"""A test bench for the suite itself: a cluster in memory, in simulated time, with faults that can be switched on.

Never a cluster under test: it says nothing about any plugin. It shows that scenarios and suite see what they are to see.
"""
