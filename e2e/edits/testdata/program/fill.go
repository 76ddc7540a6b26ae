package main

import _ "example.com/edits/fill"
