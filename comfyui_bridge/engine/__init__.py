"""What runs when nobody watches: the queue, the pool of servers, one worker a server.

No page, no wire: a server comes in as a port, a run goes out as a snapshot.
"""
