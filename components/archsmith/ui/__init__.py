"""Pages that show the searches of a store as they run: they read the store, and change nothing.

`readers` reads, a thread for each search that is looked at and one for the list, and all browsers share them; `following` is a
search over many looks, each of which reads only what is new, through a `window` that can't be written to. `rows` are trials as
the browser gets them, `parts` all else that it is told of a search. `app` says which address shows what, `pages` how, `pictures`
draws, and `files` says what may be downloaded.
"""
