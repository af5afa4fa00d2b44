"""Small widgets that know nothing of latents.

folding        the plot and the tabs share the panel
tab_bar        tabs whose titles stay visible in little room
wrapping       rows that go on in further rows
short_lists    lists that ask for a few rows only
named_button   a button with an object name
"""
