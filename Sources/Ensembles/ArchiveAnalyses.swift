import FieldIO
import Fields

extension Archive: AnalysisSource {}
