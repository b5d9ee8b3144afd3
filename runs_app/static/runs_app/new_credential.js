"use strict";

// Loading the page anew asks for the credential, and does not make another one.
history.replaceState(null, "", document.currentScript.dataset.address);
