"""The few types that the parts hand each other, and the shapes they promise.

B images in a batch, G groups, C H W channels and size, N samples, F factors, Dc and Ds content and style sizes.
*Content* is what the members of a group share; *style* is the rest. Importing this package loads no torch.
"""

from __future__ import annotations

from disent_plugins.content import Factor as Factor
from disent_plugins.contracts.data import SPLITS as SPLITS
from disent_plugins.contracts.data import SUBSET as SUBSET
from disent_plugins.contracts.data import DatasetInfo as DatasetInfo
from disent_plugins.contracts.data import ImageSpec as ImageSpec
from disent_plugins.contracts.data import ImageTable as ImageTable
from disent_plugins.contracts.data import Report as Report
from disent_plugins.contracts.metrics import Codes as Codes
from disent_plugins.contracts.metrics import Items as Items
from disent_plugins.contracts.metrics import Metric as Metric
from disent_plugins.contracts.metrics import Result as Result
from disent_plugins.contracts.metrics import Subject as Subject
from disent_plugins.contracts.metrics import Value as Value
from disent_plugins.contracts.models import CAPABILITIES as CAPABILITIES
from disent_plugins.contracts.models import Gaussian as Gaussian
from disent_plugins.contracts.models import GroupBatch as GroupBatch
from disent_plugins.contracts.models import Loss as Loss
from disent_plugins.contracts.models import Model as Model
from disent_plugins.contracts.models import ParameterGroups as ParameterGroups
from disent_plugins.contracts.models import Posterior as Posterior
from disent_plugins.contracts.models import TrainingData as TrainingData
from disent_plugins.contracts.models import Update as Update
