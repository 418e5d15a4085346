"""The EmProps Job Queue: a broker for AI jobs on Valkey/Redis.

Layers import downward only: ``cli``, then ``worker``, then ``broker``, then ``core``.
"""
