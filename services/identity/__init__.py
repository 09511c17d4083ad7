"""identity: staff accounts, their sessions and second factors, and the devices on counters and in waiting rooms.

Says and hears no events. The portal is its only caller for people; officers of it speak with their own tokens. Its key
signs as the issuer `identity`, the only one that may speak for officers (libs/http/auth.py).
"""
