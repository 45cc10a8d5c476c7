"""What a call that follows instructions needs around it: documents, speech, sounds, an ear, recordings.

`parts` says what each is for whom; the modules named like their verbs carry it out.
"""
